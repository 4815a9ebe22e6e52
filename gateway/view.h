/* view: from a page's data to the context of its template, and from there to an answer.
 *
 * The top of each file in templates/ says what its context holds. */
#ifndef VOTE_GATEWAY_VIEW_H
#define VOTE_GATEWAY_VIEW_H

#include "gateway/request.h"
#include "gateway/skeleton.h"

/* view_page: what every template gets: user, nav (the current entry of the navigation), note (of
 * the query string, if it is one of ours), error_code, error_msg, site_name. */
struct tpl_value view_page(struct request *request, const char *nav);

/* view_set: one key of a dict. view_set_error: error_code and error_msg. */
void view_set(struct request *request, struct tpl_value *dict, const char *key,
              struct tpl_value value);
void view_set_error(struct request *request, struct tpl_value *page, enum status status);

/* view_fields: {name: reason} of what is wrong with a form. */
struct tpl_value view_fields(struct request *request, const struct request_field *fields,
                             size_t count);

/* view_new_id: a fresh request id for a form, as text. */
struct str view_new_id(struct request *request);

/* view_question: a question and its choices, without tallies: {id, question_text, owner_name,
 * create_time, closes_at, state, votes, choices: [{id, choice_text}]}. */
struct tpl_value view_question(struct request *request, const struct question_row *question);

/* view_set_older: "older": the id that the next page of a list begins behind, 0 on its last one. */
void view_set_older(struct request *request, struct tpl_value *page, bool more,
                    const struct question_row *questions, size_t count);

/* view_imported: the tally of a choice that an import brought along; 0: none. */
int64_t view_imported(const struct question_get_reply *reply, int64_t choice_id);

/* view_results: the context of results.html behind view_page: question with tallies, tie, receipt,
 * owner. */
void view_results(struct request *request, struct tpl_value *page,
                  const struct question_get_reply *reply);

/* view_has_voted: is the question among a user's votes? user may be NULL. view_voted: that of each
 * question in a list, as '0' and '1'. */
bool view_has_voted(const struct user_get_reply *user, int64_t question_id);
struct str view_voted(struct request *request, const struct user_get_reply *user,
                      const struct question_row *questions, size_t count);

/* view_percent: "33.3%" of votes in total; "0.0%" where there are none. */
const char *view_percent(struct arena *arena, int64_t votes, int64_t total);

/* view_render: answer with a page. view_respond: the same into a response that has a status and may
 * have headers already. A template that fails is our bug: logged, and answered 500. */
void view_render(struct request *request, int http_status, const char *template,
                 const struct tpl_value *page);
void view_respond(struct request *request, struct http_response *response, const char *template,
                  const struct tpl_value *page);

/* A page made of an answer that others may share (skeleton.h). */
struct view_shared {
    const char *template, *nav;
    const struct ask *answer; /* is OK */
    struct str key;           /* all that the context depends on beside the answer and the holes */

    /* build: add to what view_page gave. The user's name is a hole already; what else is the
     * person's own is one of the page's holes, from VIEW_HOLES on. Only called if nobody else with
     * this key was here before. */
    void (*build)(struct request *request, struct tpl_value *page);
    struct str *texts; /* of the holes; those before VIEW_HOLES are filled in here */
};

enum { VIEW_HOLE_NAME, VIEW_HOLES };

/* view_render_shared: answer 200 with it. */
void view_render_shared(struct request *request, const struct view_shared *shared);

/* view_load_templates: all of files.template_dir, with url() and static(). What is wrong with them
 * is appended to out_errors, a line each; then rendering any fails. */
struct tpl_env *view_load_templates(struct gateway *gateway, struct buf *out_errors);

#endif
