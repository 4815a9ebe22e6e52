/* message: the structs of messages.def, and the way between a struct and its JSON body.
 *
 * Only this file and its .c know that a body is JSON. Pure; any thread; never blocks. */
#ifndef VOTE_PROTO_MESSAGE_H
#define VOTE_PROTO_MESSAGE_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/id.h"

enum service { SERVICE_GATEWAY, SERVICE_DB, SERVICE_SESSION, SERVICE_PASSWORD, SERVICE_COUNT };

/* service_name: "db". service_parse: false if there is no such service. */
const char *service_name(enum service service);
bool service_parse(struct str name, enum service *out);

enum lane { LANE_READ, LANE_WRITE, LANE_COUNT };

/* struct vote_cast { struct id request_id; int64_t user_id; … }; and so on for every message.
 * A LIST is an array and its count; texts are never NULL (empty: size 0) in an unpacked message. */
#define RECORD(name_, phrase_)                            struct name_ {
#define REQUEST(name_, number_, service_, lane_, phrase_) struct name_ {
#define REPLY(name_, number_, service_, phrase_)          struct name_ {
#define CONTROL(name_, number_, phrase_)                  struct name_ {
#define INT(name_, ...)                                   int64_t name_;
#define BOOL(name_, ...)                                  bool name_;
#define TEXT(name_, ...)                                  struct str name_;
#define SECRET(name_, ...)                                struct str name_;
#define ID(name_, ...)                                    struct id name_;
#define LIST(name_, record_, ...) \
    struct record_ *name_;        \
    size_t name_##_count;
#define END(name_) \
    }              \
    ;
#include "proto/messages.def"

/* MESSAGE_vote_cast = 288, …: what the envelope's type field holds. */
enum message_number {
#define REQUEST(name_, number_, ...) MESSAGE_##name_ = number_,
#define REPLY(name_, number_, ...)   MESSAGE_##name_ = number_,
#define CONTROL(name_, number_, ...) MESSAGE_##name_ = number_,
#include "proto/messages.def"
};

/* record_vote_cast(), …: how each struct is laid out and what its fields may hold. */
#define RECORD(name_, ...)  const struct record *record_##name_(void);
#define REQUEST(name_, ...) const struct record *record_##name_(void);
#define REPLY(name_, ...)   const struct record *record_##name_(void);
#define CONTROL(name_, ...) const struct record *record_##name_(void);
#include "proto/messages.def"

enum field_kind { FIELD_INT, FIELD_BOOL, FIELD_TEXT, FIELD_SECRET, FIELD_ID, FIELD_LIST };

struct record;

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;       /* of the value in the struct */
    size_t count_offset; /* of a LIST's count */
    int64_t min, max;    /* value of an INT, characters of a text, rows of a LIST */
    const struct record *(*record)(void); /* of a LIST's rows */
    const char *sample;                   /* JSON */
    const char *phrase;
    bool optional; /* if it is missing it is 0, false, empty */
};

struct record {
    const char *name;
    const char *phrase;
    size_t size; /* of the struct */
    const struct field *fields;
    size_t field_count;
};

enum message_kind { MESSAGE_REQUEST, MESSAGE_REPLY, MESSAGE_CONTROL };

struct message_type {
    uint16_t number;
    enum message_kind kind;
    enum service service; /* of a request or a reply */
    enum lane lane;       /* of a request */
    const char *name;
    const struct record *(*record)(void);
};

/* message_type_find: by number, or NULL. message_type_named: by name, or NULL.
 * message_types: all of them, in the order of messages.def. */
const struct message_type *message_type_find(unsigned number);
const struct message_type *message_type_named(struct str name);
const struct message_type *message_types(size_t *out_count);

/* message_reply_type: the type that answers this request. */
const struct message_type *message_reply_type(const struct message_type *request);

/* message_pack: append the JSON body of `message` (a struct of that record). Text that is not
 * UTF-8 is our bug here: who takes text in from outside has checked it. */
void message_pack(const struct record *record, const void *message, struct buf *out);

/* message_unpack: check a body against its record: a JSON object, every field there once (or not at
 * all if it is optional), of its type and within its limits. Fields that this program does not know
 * are left alone: a later one has them. On success returns a struct in `arena` (its texts too).
 * Otherwise NULL, and *out_error (in `arena`) says which field and what: "choice_id: expected a
 * whole number from 1 to 9223372036854775807". A secret's value is never in the error. */
void *message_unpack(const struct record *record, struct str body, struct arena *arena,
                     const char **out_error);

/* message_unpack_as: message_unpack for a type known at compile time. */
#define message_unpack_as(name_, body_, arena_, out_error_) \
    ((struct name_ *)message_unpack(record_##name_(), (body_), (arena_), (out_error_)))

/* message_sample: append the JSON object made of the samples in messages.def. */
void message_sample(const struct record *record, struct buf *out);

/* json_add_text: append s as a JSON string (RFC 8259, section 7). s is UTF-8. */
void json_add_text(struct buf *out, struct str s);

#endif
