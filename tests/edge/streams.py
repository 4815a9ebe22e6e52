"""Byte streams as a client might send them on one connection: good requests, broken a little, and
the ways by which others were made to disagree about where a request ends. All from one seed."""
import random

# A request in a request: who counts it as one of its own was desynchronised.
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"

# What moves the end of a request, or looks like it might (RFC 9112 sections 6.1, 6.3, 7.1, 11.2).
FRAMING = [
    b"Transfer-Encoding: chunked", b"transfer-encoding: CHUNKED", b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: identity", b"Transfer-Encoding: xchunked", b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding : chunked", b"Transfer-Encoding:\tchunked", b"Transfer-Encoding:\r\n chunked",
    b" Transfer-Encoding: chunked", b"Transfer-Encoding: chunked;a=b", b"Transfer-Encoding: \"chunked\"",
    b"Transfer-Encoding:", b"Transfer_Encoding: chunked", b"X: y\nTransfer-Encoding: chunked",
    b"X: y\rTransfer-Encoding: chunked", b"Transfer-Encoding\x00: chunked",
    b"Content-Length: 0", b"Content-Length: 1", b"Content-Length: 5", b"Content-Length: 35",
    b"Content-Length: +5", b"Content-Length: -5", b"Content-Length: 5, 5", b"Content-Length: 0x5",
    b"Content-Length: 05", b"Content-Length: 5 ", b"Content-Length: 5;", b"Content-Length : 5",
    b"Content-Length: 18446744073709551621", b"Content-Length: 4294967301", b"Content-Length:",
    b"Content_Length: 5", b"X: y\r\n\tContent-Length: 5", b"Content-Length: 5\r",
    b"Connection: close", b"Connection: keep-alive", b"Connection: content-length",
    b"Connection: close, transfer-encoding", b"Connection: xclose", b"Expect: 100-continue", b"Expect: 1",
    b"Host: b", b"Host:", b"Host: a, b", b"Host: a/b", b"Host : a", b"Upgrade: h2c", b"TE: trailers",
    b"Trailer: Content-Length",
]
ENDS = [b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r\n", b"\r\n ", b"\0\r\n"]
SIZES = [b"0", b"00", b"5", b"05", b"5 ", b" 5", b"5;a=b", b"5;a=\"\r\n\"", b"5;\n", b"-5", b"+5", b"0x5",
         b"5\n", b"5\r", b"ffffffffffffffff5", b"10000000000000005", b"", b"g", b"5\t", b"5\r\r"]
LINES = [b"GET / HTTP/1.0", b"GET /", b"GET  / HTTP/1.1", b"GET / HTTP/1.1 ", b"get / HTTP/1.1",
         b"GET / http/1.1", b"GET / HTTP/1.2", b"GET / HTTP/2.0", b"GET / HTTP/01.1", b"GET\t/\tHTTP/1.1",
         b" GET / HTTP/1.1", b"GET http://a/x HTTP/1.1", b"GET http://b/x HTTP/1.1", b"GET * HTTP/1.1",
         b"OPTIONS * HTTP/1.1", b"CONNECT a:1 HTTP/1.1", b"TRACE / HTTP/1.1", b"BREW / HTTP/1.1",
         b"HEAD / HTTP/1.1", b"DELETE / HTTP/1.1", b"GET /a b HTTP/1.1", b"GET /\x01 HTTP/1.1",
         b"GET /\xff HTTP/1.1", b"GET /%00 HTTP/1.1", b"GET /../a HTTP/1.1", b"GET //a HTTP/1.1",
         b"GET /a#b HTTP/1.1", b"GET /a?b=\"c HTTP/1.1", b"GET / HTTP/1.1\rX: y",
         b"PRI * HTTP/2.0"]
BYTES = [b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b",", b";", b"0", b"\x80", b"\r\n\r\n", b"\x0b",
         b"5\r\n", b"0\r\n\r\n", HIDDEN]


def body_of(chance):
    return chance.choice([b"", b"x=1&y", b"hello", HIDDEN, b"0\r\n\r\n" + HIDDEN, b"a" * chance.randint(1, 3000)])


def chunked(chance, body):
    pieces, trailer = [], chance.choice([b"", b"", b"", b"A: b\r\n", b"Content-Length: 5\r\n"])
    while body:
        size = chance.randint(1, len(body))
        extension = chance.choice([b"", b"", b";a=b", b";a=\"b\"", b" ; a"])
        pieces.append(b"%x%s\r\n%s\r\n" % (size, extension, body[:size]))
        body = body[size:]
    return b"".join(pieces) + b"0\r\n" + trailer + b"\r\n"


def request(chance, number):
    """One request, good or with a part that is not, named by its number in the stream."""
    method = chance.choice([b"GET", b"GET", b"POST", b"POST", b"POST", b"HEAD", b"PUT"])
    line = b"%s /%d?s=%d HTTP/1.%d" % (method, number, chance.randint(0, 9), chance.random() < 0.95)
    fields = [b"Host: a"]
    body = body_of(chance) if method in (b"POST", b"PUT") else b""
    if method in (b"POST", b"PUT"):
        if chance.random() < 0.5:
            fields.append(b"Content-Length: %d" % len(body))
        else:
            fields.append(b"Transfer-Encoding: chunked")
            body = chunked(chance, body)
    if chance.random() < 0.3:
        fields.append(b"X-Some: " + b"v" * chance.randint(0, 40))
    end = b"\r\n"
    if chance.random() < 0.1:
        line = chance.choice(LINES)
    if chance.random() < 0.2:
        fields.insert(chance.randint(0, len(fields)), chance.choice(FRAMING))
    if chance.random() < 0.03:
        fields.remove(chance.choice(fields))
    if chance.random() < 0.05:
        end = chance.choice(ENDS)
    if chance.random() < 0.1 and body:
        body = chance.choice(SIZES) + b"\r\nhello\r\n0\r\n\r\n"
    if chance.random() < 0.3:
        chance.shuffle(fields)
    return line + b"\r\n" + b"".join(field + end for field in fields) + b"\r\n" + body


def mutate(chance, stream):
    """A few of its bytes changed, put in, taken out, doubled."""
    for _ in range(chance.choice([0, 0, 1, 1, 1, 3])):
        at = chance.randrange(len(stream))
        to = min(len(stream), at + chance.randint(1, 20))
        match chance.randrange(5):
            case 0:
                stream = stream[:at] + bytes([chance.randrange(256)]) + stream[at + 1:]
            case 1:
                stream = stream[:at] + chance.choice(BYTES) + stream[at:]
            case 2:
                stream = stream[:at] + stream[to:] or b"G"
            case 3:
                stream = stream[:to] + stream[at:]
            case 4:
                ends = [i for i in range(len(stream)) if stream.startswith(b"\r\n", i)] or [at]
                at = chance.choice(ends)
                stream = stream[:at] + chance.choice(ENDS) + stream[at + 2:]
    return stream


def streams(seed, count):
    """`count` streams of one to four requests each."""
    chance = random.Random(seed)
    for _ in range(count):
        requests = [request(chance, number) for number in range(chance.randint(1, 4))]
        yield mutate(chance, b"".join(requests))
