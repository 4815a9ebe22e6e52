#include "workers/password_hash.h"

#include "proto/base/die.h"

#include <sodium.h>
#include <stdio.h>

_Static_assert(PASSWORD_HASH_SIZE == crypto_pwhash_STRBYTES, "sodium's hash strings");

static void start_sodium(void)
{
    if (sodium_init() < 0)
        die("libsodium does not start");
}

bool password_hash_make(struct str password, uint64_t opslimit, size_t memlimit,
                        char out[PASSWORD_HASH_SIZE])
{
    start_sodium();
    return crypto_pwhash_str_alg(out, password.data ? password.data : "", password.size, opslimit,
                                 memlimit, crypto_pwhash_ALG_ARGON2ID13) == 0;
}

/* sodium wants the whole buffer, and a NUL in it. */
static bool copy_hash(struct str hash, char out[PASSWORD_HASH_SIZE])
{
    memset(out, 0, PASSWORD_HASH_SIZE);
    if (hash.size == 0 || hash.size >= PASSWORD_HASH_SIZE || memchr(hash.data, 0, hash.size))
        return false;
    memcpy(out, hash.data, hash.size);
    return true;
}

bool password_hash_verify(struct str hash, struct str password)
{
    char text[PASSWORD_HASH_SIZE];
    start_sodium();
    return copy_hash(hash, text) &&
           crypto_pwhash_str_verify(text, password.data ? password.data : "", password.size) == 0;
}

bool password_hash_is_valid(struct str hash)
{
    char text[PASSWORD_HASH_SIZE];
    start_sodium();
    return copy_hash(hash, text) &&
           crypto_pwhash_str_needs_rehash(text, crypto_pwhash_OPSLIMIT_MIN,
                                          crypto_pwhash_MEMLIMIT_MIN) != -1;
}

/* sodium's own needs_rehash also says yes to a stronger one, which must not be made weaker. */
bool password_hash_is_weaker(struct str hash, uint64_t opslimit, size_t memlimit)
{
    char text[PASSWORD_HASH_SIZE];
    unsigned long long kibibytes, passes;
    if (!copy_hash(hash, text) ||
        sscanf(text, "$argon2id$v=19$m=%llu,t=%llu,", &kibibytes, &passes) != 2)
        return true; /* another algorithm */
    return kibibytes < memlimit / 1024 || passes < opslimit;
}

void password_wipe(struct str secret)
{
    if (secret.size)
        sodium_memzero((char *)secret.data, secret.size);
}
