#include "gateway/histogram.h"
#include "tests/unit/test.h"

TEST("a value is counted in the first bucket that is not smaller, or in the last")
{
    struct histogram times = {0};
    static const int64_t values[] = {0, 100, 101, 10000000, 10000001, INT32_MAX};
    static const size_t buckets[] = {0, 0, 1, 15, 16, 16};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        int64_t before = times.counts[buckets[i]];
        histogram_add(&times, HISTOGRAM_TIME, values[i]);
        CHECK_INT(times.counts[buckets[i]], before + 1);
    }
    CHECK_INT(histogram_total(&times), 6);
}

TEST("it is printed as Prometheus reads it: each bucket with those below it, the sum in seconds")
{
    struct histogram times = {0}, sizes = {0};
    struct buf out = {0};
    histogram_add(&times, HISTOGRAM_TIME, 200);
    histogram_add(&times, HISTOGRAM_TIME, 1500000);
    histogram_add(&times, HISTOGRAM_TIME, 20000000);
    histogram_print(&times, HISTOGRAM_TIME, "t", "a=\"b\"", &out);
    buf_add_char(&out, '\0');
    CHECK(strstr(out.data, "t_bucket{a=\"b\",le=\"0.0001\"} 0\n"
                           "t_bucket{a=\"b\",le=\"0.00025\"} 1\n"));
    CHECK(strstr(out.data, "le=\"2.5\"} 2\n"));
    CHECK(strstr(out.data, "le=\"+Inf\"} 3\nt_sum{a=\"b\"} 21.500200\nt_count{a=\"b\"} 3\n"));
    buf_reset(&out);
    histogram_add(&sizes, HISTOGRAM_SIZE, 3);
    histogram_print(&sizes, HISTOGRAM_SIZE, "s", "x=\"y\"", &out);
    buf_add_char(&out, '\0');
    CHECK(strstr(out.data, "le=\"2\"} 0\ns_bucket{x=\"y\",le=\"4\"} 1\n"));
    CHECK(strstr(out.data, "s_sum{x=\"y\"} 3\n"));
    buf_free(&out);
}

TEST_MAIN
