/* test: a tiny test language. A test program is a list of TEST("a sentence") { … } and TEST_MAIN.
 *
 * A check that fails prints file, line and both values, and the program goes on with the next test;
 * it exits 1 if any failed, or if none ran. */
#ifndef VOTE_TEST_H
#define VOTE_TEST_H

#include "proto/base/str.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

struct test_case {
    const char *sentence;
    void (*run)(void);
    struct test_case *next;
};

static struct test_case *test_first, **test_last = &test_first;
static jmp_buf test_out;

#define TEST_PASTE_(a, b) a##b
#define TEST_PASTE(a, b)  TEST_PASTE_(a, b)

#define TEST(sentence_)                                                                           \
    static void TEST_PASTE(test_body_, __LINE__)(void);                                           \
    __attribute__((constructor)) static void TEST_PASTE(test_add_, __LINE__)(void)                \
    {                                                                                             \
        static struct test_case test_case_ = {sentence_, TEST_PASTE(test_body_, __LINE__), NULL}; \
        *test_last = &test_case_;                                                                 \
        test_last = &test_case_.next;                                                             \
    }                                                                                             \
    static void TEST_PASTE(test_body_, __LINE__)(void)

#define TEST_FAIL(...)                             \
    do {                                           \
        printf("    %s:%d: ", __FILE__, __LINE__); \
        printf(__VA_ARGS__);                       \
        putchar('\n');                             \
        longjmp(test_out, 1);                      \
    } while (0)

#define CHECK(condition)                               \
    do {                                               \
        if (!(condition))                              \
            TEST_FAIL("%s does not hold", #condition); \
    } while (0)

#define CHECK_INT(actual_, expected_)                                             \
    do {                                                                          \
        long long test_a = (long long)(actual_), test_e = (long long)(expected_); \
        if (test_a != test_e)                                                     \
            TEST_FAIL("%s is %lld, expected %lld", #actual_, test_a, test_e);     \
    } while (0)

/* CHECK_STR: a struct str against a C string. */
#define CHECK_STR(actual_, expected_)                                                 \
    do {                                                                              \
        struct str test_a = (actual_), test_e = str_from(expected_);                  \
        if (!str_equal(test_a, test_e))                                               \
            TEST_FAIL("%s is \"%.*s\", expected \"%.*s\"", #actual_, STR_ARG(test_a), \
                      STR_ARG(test_e));                                               \
    } while (0)

#define TEST_MAIN                                                                   \
    int main(void)                                                                  \
    {                                                                               \
        int ran = 0, failed = 0;                                                    \
        for (struct test_case *test = test_first; test; test = test->next, ran++) { \
            if (setjmp(test_out) == 0) {                                            \
                test->run();                                                        \
                printf("ok   %s\n", test->sentence);                                \
            } else {                                                                \
                failed++;                                                           \
                printf("FAIL %s\n", test->sentence);                                \
            }                                                                       \
        }                                                                           \
        printf("%d tests, %d failed\n", ran, failed);                               \
        return failed || !ran;                                                      \
    }

#endif
