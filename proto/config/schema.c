#include "proto/config/schema.h"

#include "proto/base/die.h"
#include "proto/config/keys.h"

#include <cyaml/cyaml.h>

static const cyaml_config_t settings = {
    .mem_fn = cyaml_mem,
    .flags = CYAML_CFG_NO_ALIAS,
};

static const cyaml_schema_value_t item_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED),
};

static cyaml_schema_value_t choice_schema(struct arena *arena, const char *words)
{
    struct str rest = str_from(words), word;
    cyaml_strval_t *strings = arena_array(arena, rest.size, sizeof *strings);
    uint32_t count = 0;
    for (; str_cut(&rest, ' ', &word); count++)
        strings[count] = (cyaml_strval_t){arena_cstr(arena, word), count};
    return (cyaml_schema_value_t){.type = CYAML_ENUM,
                                  .flags = CYAML_FLAG_STRICT,
                                  .data_size = sizeof(enum log_level),
                                  .enumeration = {strings, count}};
}

static cyaml_schema_value_t value_schema(struct arena *arena, const struct key *key)
{
    switch (key->kind) {
    case KEY_INT:
        return (cyaml_schema_value_t){CYAML_VALUE_INT(CYAML_FLAG_DEFAULT, int64_t)};
    case KEY_FLAG:
        return (cyaml_schema_value_t){CYAML_VALUE_BOOL(CYAML_FLAG_DEFAULT, bool)};
    case KEY_CHOICE:
        return choice_schema(arena, key->words);
    case KEY_LIST:
        return (cyaml_schema_value_t){.type = CYAML_SEQUENCE,
                                      .flags = CYAML_FLAG_POINTER,
                                      .data_size = sizeof(char *),
                                      .sequence = {&item_schema, 0, CYAML_UNLIMITED}};
    case KEY_TEXT:
    case KEY_SECRET:
        break;
    }
    return item_schema;
}

static cyaml_schema_field_t key_field(struct arena *arena, const struct key *key)
{
    bool is_list = key->kind == KEY_LIST;
    return (cyaml_schema_field_t){
        .key = key->name,
        .data_offset =
            (uint32_t)(key->offset + (is_list ? offsetof(struct config_list, items) : 0)),
        .count_offset = (uint32_t)(key->offset + offsetof(struct config_list, count)),
        .count_size = is_list ? sizeof(uint32_t) : 0,
        .value = value_schema(arena, key),
    };
}

/* The fields of the keys whose path begins with `prefix`: they stand together from *index on. The
 * offsets of all are in struct config itself, so a mapping within it starts at 0. */
static const cyaml_schema_field_t *fields_under(struct arena *arena, struct str prefix,
                                                size_t *index)
{
    cyaml_schema_field_t *fields = arena_array(arena, KEY_COUNT + 1, sizeof *fields);
    char path[KEY_PATH];
    for (size_t n = 0; *index < KEY_COUNT; n++) {
        struct str rest = str_from(key_path(&keys[*index], path));
        if (!str_starts(rest, prefix))
            break;
        rest = str_make(rest.data + prefix.size, rest.size - prefix.size);
        ptrdiff_t dot = str_find(rest, '.');
        if (dot < 0) {
            fields[n] = key_field(arena, &keys[(*index)++]);
            continue;
        }
        fields[n].key = arena_cstr(arena, str_make(rest.data, (size_t)dot));
        fields[n].value.type = CYAML_MAPPING;
        fields[n].value.data_size = sizeof(struct config);
        fields[n].value.mapping.fields = fields_under(
            arena, arena_str(arena, str_make(path, prefix.size + (size_t)dot + 1)), index);
    }
    return fields;
}

const struct cyaml_schema_value *schema_new(struct arena *arena)
{
    size_t index = 0;
    cyaml_schema_value_t *schema = arena_new(arena, cyaml_schema_value_t);
    *schema = (cyaml_schema_value_t){
        .type = CYAML_MAPPING,
        .flags = CYAML_FLAG_POINTER,
        .data_size = sizeof(struct config),
        .mapping = {fields_under(arena, (struct str){0}, &index)},
    };
    must(index == KEY_COUNT);
    return schema;
}

struct config *schema_load(const struct cyaml_schema_value *schema, struct str document)
{
    cyaml_data_t *config = NULL;
    cyaml_err_t error = cyaml_load_data((const uint8_t *)document.data, document.size, &settings,
                                        schema, &config, NULL);
    if (error == CYAML_ERR_OOM)
        die("out of memory");
    must(error == CYAML_OK);
    return config;
}

void schema_free(const struct cyaml_schema_value *schema, struct config *config)
{
    cyaml_free(&settings, schema, config, 0);
}
