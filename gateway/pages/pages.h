/* pages: every page of the site, one file a page; gateway/routes.c says which path each answers.
 *
 * A page is called once for a request that was routed, checked and, if its route asks for it, whose
 * session was read. It answers exactly once, now or after its asks. */
#ifndef VOTE_GATEWAY_PAGES_H
#define VOTE_GATEWAY_PAGES_H

struct request;

void hello_get(struct request *request);
void home_get(struct request *request);
void register_get(struct request *request);
void register_post(struct request *request);
void login_get(struct request *request);
void login_post(struct request *request);
void logout_post(struct request *request);
void logout_everywhere_post(struct request *request);
void questions_get(struct request *request);
void question_mine_get(struct request *request);
void question_new_get(struct request *request);
void question_new_post(struct request *request);
void question_get_page(struct request *request);
void vote_post(struct request *request);
void results_get(struct request *request);
void question_close_post(struct request *request);
void question_delete_post(struct request *request);
void choices_get(struct request *request);
void static_get(struct request *request);
void reload_events_get(struct request *request);
void healthz_get(struct request *request);
void readyz_get(struct request *request);

#endif
