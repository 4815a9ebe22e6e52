/* /login, /logout and /logout/everywhere. An unknown account takes the same way, and the same time,
 * as a wrong password: the attempt is counted and a hash is checked in either case. */
#include "gateway/fields.h"
#include "gateway/outcome.h"
#include "gateway/pages/pages.h"
#include "gateway/view.h"

struct login {
    struct str account, password;
    struct fields fields;
    struct ask *attempt, *user_by_account, *verify, *create, *end;
    int64_t user_id;           /* 0: nobody has that account */
    struct str hash, new_hash; /* new_hash: stronger, to be stored; empty: none */
};

/* ---- the form ------------------------------------------------------------------------------ */

static void show_form(struct request *request, enum status status)
{
    struct login *login = request->page;
    bool exact = request->gateway->config->login.exact_messages;
    struct tpl_value page = view_page(request, "login"), form = tpl_dict(&request->arena);
    view_set(request, &form, "account", fields_kept(login->account));
    view_set(request, &page, "form", form);
    view_set(request, &page, "fields",
             view_fields(request, login->fields.rows, login->fields.count));
    view_set(request, &page, "exact_messages", tpl_bool(exact));
    view_set_error(request, &page, status);
    view_render(request, status == STATUS_TOO_MANY_ATTEMPTS ? outcome_http(status) : 200,
                "login.html", &page);
}

static void refuse(struct request *request, enum status status)
{
    struct login *login = request->page;
    /* One answer for both, so that nobody can find out who has an account. */
    if (status == STATUS_USER_UNKNOWN && !request->gateway->config->login.exact_messages)
        status = STATUS_PASSWORD_MISMATCH;
    if (request_wants(request) == WANTS_JSON)
        request_json_status(request, status, login->fields.rows, login->fields.count);
    else
        show_form(request, status);
}

void login_get(struct request *request)
{
    request_page(request, sizeof(struct login));
    show_form(request, STATUS_OK);
}

/* ---- logging in: attempt and account → password → session → cookie ------------------------- */

/* A browser goes on to a page; a program that sent JSON is told that it went well. */
static void go_on(struct request *request, int http_status, const char *location)
{
    if (request_sent_json(request))
        request_json_status(request, STATUS_OK, NULL, 0);
    else
        request_redirect(request, http_status, location);
}

static void session_made(struct request *request)
{
    struct login *login = request->page;
    const struct session_create_reply *reply = request_need(request, login->create);
    if (!reply)
        return;
    /* Whether the stronger hash is stored does not matter to this log-in: the next one tries again.
     */
    if (login->new_hash.size)
        request_ask(request, MESSAGE_user_password_set,
                    &(struct user_password_set){login->user_id, login->hash, login->new_hash});
    request_set_cookie(request, reply->session_id);
    go_on(request, 302, "/");
}

/* What cannot be an account is counted for its address alone. */
static struct str attempt_account(const struct login *login)
{
    return fields_check(login->account, ACCOUNT_EMAIL_MAX) ? STR("") : login->account;
}

static void verified(struct request *request)
{
    struct login *login = request->page;
    if (login->verify->answer.status == STATUS_PASSWORD_MISMATCH) {
        refuse(request, login->user_id ? STATUS_PASSWORD_MISMATCH : STATUS_USER_UNKNOWN);
        return;
    }
    const struct password_verify_reply *reply = request_need(request, login->verify);
    if (!reply)
        return;
    login->create = request_ask(request, MESSAGE_session_create,
                                &(struct session_create){login->user_id, request->session_id});
    request_clear_attempt(request, "login", attempt_account(login)); /* late is soon enough */
    login->new_hash = reply->new_hash;
    request_then(request, session_made);
}

/* Counted, and looked up if it can be an account. */
static void counted(struct request *request)
{
    struct login *login = request->page;
    if (!request_may_attempt(request, login->attempt, refuse))
        return;
    if (login->user_by_account && login->user_by_account->answer.status != STATUS_USER_UNKNOWN) {
        const struct user_by_account_reply *reply = request_need(request, login->user_by_account);
        if (!reply)
            return;
        login->user_id = reply->user_id;
        login->hash = reply->password_hash;
    }
    login->verify = request_ask(request, MESSAGE_password_verify,
                                &(struct password_verify){login->password, login->hash});
    request_then(request, verified);
}

void login_post(struct request *request)
{
    struct login *login = request_page(request, sizeof *login);
    const struct http_field *password = http_form_get(&request->form, "password");
    login->account = fields_text(request, "account");
    login->password = password ? password->value : STR("");
    if (login->account.size == 0)
        fields_add(&login->fields, "account", "missing");
    if (login->password.size == 0)
        fields_add(&login->fields, "password", "missing");
    if (!str_is_utf8(login->account))
        fields_add(&login->fields, "account", "invalid");
    if (!str_is_utf8(login->password))
        fields_add(&login->fields, "password", "invalid");
    if (login->fields.count) {
        refuse(request, STATUS_INVALID);
        return;
    }
    /* What cannot be a password is checked like one that is wrong. Short ones came with imports. */
    enum account_error error = account_password(login->password);
    if (error != ACCOUNT_GOOD && error != ACCOUNT_TOO_SHORT)
        login->password = STR("");
    login->attempt = request_count_attempt(request, "login", attempt_account(login));
    if (account_shape(login->account) != ACCOUNT_IS_NEITHER)
        login->user_by_account = request_ask(request, MESSAGE_user_by_account,
                                             &(struct user_by_account){login->account});
    request_then(request, counted);
}

/* ---- logging out --------------------------------------------------------------------------- */

static void forget(struct request *request, const char *location)
{
    request_set_cookie(request, STR(""));
    go_on(request, 303, location);
}

static void session_gone(struct request *request)
{
    struct login *login = request->page;
    if (request_need(request, login->end))
        forget(request, "/");
}

void logout_post(struct request *request)
{
    struct login *login = request_page(request, sizeof *login);
    if (request->session_id.size == 0) {
        forget(request, "/");
        return;
    }
    login->end =
        request_ask(request, MESSAGE_session_delete, &(struct session_delete){request->session_id});
    request_then(request, session_gone);
}

static void sessions_gone(struct request *request)
{
    struct login *login = request->page;
    if (request_need(request, login->end))
        forget(request, "/login?note=logged_out_everywhere");
}

void logout_everywhere_post(struct request *request)
{
    struct login *login = request_page(request, sizeof *login);
    login->end = request_ask(request, MESSAGE_session_delete_all,
                             &(struct session_delete_all){request->user_id});
    request_then(request, sessions_gone);
}
