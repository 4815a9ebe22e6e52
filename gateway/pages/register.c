/* /register: a new account. The password is hashed before anybody looks whether the account is
 * taken, so that the time taken tells nothing. */
#include "gateway/fields.h"
#include "gateway/outcome.h"
#include "gateway/pages/pages.h"
#include "gateway/view.h"

struct registration {
    struct id request_id;
    struct str name, email, phone, password;
    struct fields fields;
    struct ask *attempt, *hash, *create;
};

static void show_form(struct request *request, enum status status, int http_status)
{
    struct registration *state = request->page;
    struct tpl_value page = view_page(request, "register"), form = tpl_dict(&request->arena);
    view_set(request, &form, "name", fields_kept(state->name));
    view_set(request, &form, "email", fields_kept(state->email));
    view_set(request, &form, "phone", fields_kept(state->phone));
    view_set(request, &page, "form", form);
    view_set(request, &page, "fields",
             view_fields(request, state->fields.rows, state->fields.count));
    view_set(request, &page, "request_id", tpl_str(view_new_id(request)));
    view_set_error(request, &page, status);
    view_render(request, http_status, "register.html", &page);
}

/* Programs get 200 and the code; a browser gets the form again. */
static void refuse(struct request *request, enum status status)
{
    struct registration *state = request->page;
    if (request_reads_json(request))
        request_json_status(request, status, state->fields.rows, state->fields.count);
    else
        show_form(request, status, status == STATUS_TOO_MANY_ATTEMPTS ? outcome_http(status) : 422);
}

static void created(struct request *request)
{
    struct registration *state = request->page;
    switch (state->create->answer.status) {
    case STATUS_OK:
        if (request_reads_json(request))
            request_json_status(request, STATUS_OK, NULL, 0);
        else
            request_redirect(request, 303, "/login?note=registered");
        break;
    case STATUS_INVALID: /* all else was checked here: the id was used for another account */
        fields_add(&state->fields, "request_id", "invalid");
        refuse(request, STATUS_INVALID);
        break;
    case STATUS_ACCOUNT_TAKEN:
        refuse(request, STATUS_ACCOUNT_TAKEN);
        break;
    case STATUS_INTERNAL:
        refuse(request, STATUS_STORAGE_FAILED);
        break;
    default:
        request_fail(request, state->create->answer.status);
    }
}

static void hashed(struct request *request)
{
    struct registration *state = request->page;
    const struct password_hash_reply *reply = request_need(request, state->hash);
    if (!reply)
        return;
    state->create = request_ask(request, MESSAGE_user_create,
                                &(struct user_create){
                                    .request_id = state->request_id,
                                    .name = state->name,
                                    .email = state->email,
                                    .phone = state->phone,
                                    .password_hash = reply->hash,
                                });
    request_then(request, created);
}

static void counted(struct request *request)
{
    struct registration *state = request->page;
    if (!request_may_attempt(request, state->attempt, refuse))
        return;
    state->hash =
        request_ask(request, MESSAGE_password_hash, &(struct password_hash){state->password});
    request_then(request, hashed);
}

void register_get(struct request *request)
{
    request_page(request, sizeof(struct registration));
    show_form(request, STATUS_OK, 200);
}

void register_post(struct request *request)
{
    struct registration *state = request_page(request, sizeof *state);
    struct fields *fields = &state->fields;
    const struct http_field *password = http_form_get(&request->form, "password");
    state->name = fields_text(request, "name");
    state->email = fields_text(request, "email");
    state->phone = fields_text(request, "phone");
    state->password = password ? password->value : STR("");
    fields_add(fields, "name", fields_reason(account_name(state->name)));
    fields_add(fields, "email", fields_reason(account_email(state->email)));
    fields_add(fields, "phone", fields_reason(account_phone(state->phone)));
    fields_add(fields, "password", fields_reason(account_password(state->password)));
    if (common_passwords_has(request->gateway->common_passwords, state->password))
        fields_add(fields, "password", "common");
    if (!request_form_id(request, &state->request_id))
        fields_add(fields, "request_id", "invalid");
    if (fields->count) {
        refuse(request, STATUS_INVALID);
        return;
    }
    state->attempt = request_count_attempt(request, "register", STR(""));
    request_then(request, counted);
}
