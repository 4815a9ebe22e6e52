/* question: what a vote that was not accepted shows a browser. */
#ifndef VOTE_GATEWAY_PAGES_QUESTION_H
#define VOTE_GATEWAY_PAGES_QUESTION_H

#include "gateway/request.h"

/* question_show_again: the question with the message for status: the form after INVALID, else the
 * results. Asks for them first. */
void question_show_again(struct request *request, enum status status, int http_status);

#endif
