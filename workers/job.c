#include "workers/job.h"

#include "proto/base/clock.h"
#include "proto/base/die.h"

static void set_answer(struct job *job, enum status status)
{
    must(!job->answered);
    job->answered = true;
    job->status = status;
}

void job_answer(struct job *job, const void *reply)
{
    set_answer(job, STATUS_OK);
    message_pack(message_reply_type(job->type)->record(), reply, &job->body);
}

void job_answer_like(struct job *job, const struct job *answered)
{
    must(answered->answered && answered->type == job->type);
    set_answer(job, answered->status);
    buf_add_str(&job->body, buf_str(&answered->body));
}

static void fail(struct job *job, enum status status, const struct error *error)
{
    must(status != STATUS_OK);
    set_answer(job, status);
    message_pack(record_error(), error, &job->body);
}

void job_fail(struct job *job, enum status status, const char *detail)
{
    fail(job, status, &(struct error){.detail = str_from(detail)});
}

void job_fail_field(struct job *job, const char *field, const char *reason)
{
    struct field_error row = {str_from(field), str_from(reason)};
    fail(job, STATUS_INVALID, &(struct error){.fields = &row, .fields_count = 1});
}

bool job_expired(const struct job *job)
{
    return clock_us() >= job->deadline_us;
}
