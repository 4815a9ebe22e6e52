#include "workers/keyed_hash.h"

#include "proto/base/die.h"

#include <sodium.h>

enum { KEY_BYTES = 32, HASH_BYTES = KEYED_HASH_TEXT / 2 };

static const void *bytes_of(struct str s)
{
    return s.data ? s.data : "";
}

char *keyed_hash(struct str secret, const struct str *parts, size_t count,
                 char out[KEYED_HASH_TEXT + 1])
{
    unsigned char key[KEY_BYTES], hash[HASH_BYTES];
    crypto_generichash_state state;
    if (sodium_init() < 0)
        die("libsodium does not start");
    crypto_generichash(key, sizeof key, bytes_of(secret), secret.size, NULL, 0);
    crypto_generichash_init(&state, key, sizeof key, sizeof hash);
    for (size_t i = 0; i < count; i++) {
        uint64_t size = parts[i].size;
        crypto_generichash_update(&state, (const unsigned char *)&size, sizeof size);
        crypto_generichash_update(&state, bytes_of(parts[i]), parts[i].size);
    }
    crypto_generichash_final(&state, hash, sizeof hash);
    sodium_memzero(key, sizeof key);
    hex_encode(hash, sizeof hash, out);
    return out;
}
