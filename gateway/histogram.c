#include "gateway/histogram.h"

static const struct {
    int64_t limits[HISTOGRAM_BUCKETS];
    const char *texts[HISTOGRAM_BUCKETS]; /* as printed */
} kinds[] = {
    [HISTOGRAM_TIME] = {{100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000,
                         500000, 1000000, 2500000, 5000000, 10000000},
                        {"0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025",
                         "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10"}},
    [HISTOGRAM_SIZE] = {{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384,
                         32768},
                        {"1", "2", "4", "8", "16", "32", "64", "128", "256", "512", "1024", "2048",
                         "4096", "8192", "16384", "32768"}},
};

void histogram_add(struct histogram *histogram, enum histogram_kind kind, int64_t value)
{
    size_t i = 0;
    while (i < HISTOGRAM_BUCKETS && value > kinds[kind].limits[i])
        i++;
    histogram->counts[i]++;
    histogram->sum += value;
}

int64_t histogram_limit(enum histogram_kind kind, size_t bucket)
{
    return bucket < HISTOGRAM_BUCKETS ? kinds[kind].limits[bucket] : 0;
}

int64_t histogram_total(const struct histogram *histogram)
{
    int64_t total = 0;
    for (size_t i = 0; i <= HISTOGRAM_BUCKETS; i++)
        total += histogram->counts[i];
    return total;
}

void histogram_print(const struct histogram *histogram, enum histogram_kind kind, const char *name,
                     const char *labels, struct buf *out)
{
    int64_t below = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        below += histogram->counts[i];
        buf_printf(out, "%s_bucket{%s,le=\"%s\"} %lld\n", name, labels, kinds[kind].texts[i],
                   (long long)below);
    }
    below += histogram->counts[HISTOGRAM_BUCKETS];
    buf_printf(out, "%s_bucket{%s,le=\"+Inf\"} %lld\n", name, labels, (long long)below);
    if (kind == HISTOGRAM_TIME)
        buf_printf(out, "%s_sum{%s} %lld.%06lld\n", name, labels,
                   (long long)(histogram->sum / 1000000), (long long)(histogram->sum % 1000000));
    else
        buf_printf(out, "%s_sum{%s} %lld\n", name, labels, (long long)histogram->sum);
    buf_printf(out, "%s_count{%s} %lld\n", name, labels, (long long)below);
}
