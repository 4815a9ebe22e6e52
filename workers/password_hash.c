#include "workers/password_hash.h"

#include "proto/base/die.h"

#include <sodium.h>

_Static_assert(PASSWORD_HASH_SIZE >= crypto_pwhash_STRBYTES, "the string fits");

bool password_hash_make(struct str password, uint64_t opslimit, size_t memlimit,
                        char out[PASSWORD_HASH_SIZE])
{
    if (sodium_init() < 0)
        die("libsodium does not start");
    return crypto_pwhash_str_alg(out, password.data ? password.data : "", password.size, opslimit,
                                 memlimit, crypto_pwhash_ALG_ARGON2ID13) == 0;
}
