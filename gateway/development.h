/* development: what pages have only while somebody develops the site. The one place where HTML is
 * added to them: a row of the table in development.c. */
#ifndef VOTE_GATEWAY_DEVELOPMENT_H
#define VOTE_GATEWAY_DEVELOPMENT_H

#include "gateway/request.h"

/* development_wanted: is any of it configured? Asked once, at the start. */
bool development_wanted(const struct config *config);

/* development_is_for: may it be shown to this client, one of debug.hosts that came by an address or
 * as localhost? By a public name comes the public, and who is lured (client_host_is_local). */
bool development_is_for(const struct request *request);

/* development_add: put the additions before the last </body> of a rendered page. */
void development_add(struct request *request, struct buf *html);

#endif
