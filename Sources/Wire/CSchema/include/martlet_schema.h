// The schema as tables: protobuf-c's descriptors, and beside them what protobuf has no room for.
// tools/generate writes the tables; Sources/Wire/Schema reads them once, at start.
#ifndef MARTLET_SCHEMA_H
#define MARTLET_SCHEMA_H

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

// Bits of martlet_field.flags.
enum {
  MARTLET_FIELD_INLINE = 1,         // its fields stand in the JSON object around it
  MARTLET_FIELD_REQUIRED = 2,       // OpenAPI calls it required
  MARTLET_FIELD_ATOMIC = 4,         // a map that server-side apply replaces whole
  MARTLET_FIELD_PATCH_MERGE = 8,    // strategic merge patch merges it
  MARTLET_FIELD_RETAIN_KEYS = 16,   // strategic merge patch understands $retainKeys in it
  MARTLET_FIELD_PATCH_REPLACE = 32, // strategic merge patch replaces it, and says so
  MARTLET_FIELD_MAP = 64,           // a map, which protobuf writes as a list of entries
  MARTLET_FIELD_SAYS_KIND = 128,    // objects in it have apiVersion and kind in JSON
  MARTLET_FIELD_NULL = 256,         // null where it is absent
};

// Bits of martlet_message.flags.
enum {
  MARTLET_MESSAGE_KIND = 1,   // has apiVersion and kind in JSON
  MARTLET_MESSAGE_ATOMIC = 2, // server-side apply replaces it whole
};

typedef struct {
  const char *json;          // JSON name
  const char *merge_key;     // NULL if none
  const char *list_map_keys; // joined by commas, NULL if none
  uint16_t number;           // of the field in protobuf; the descriptor has its type
  uint8_t presence;          // martlet.schema.Presence
  uint8_t list_type;         // martlet.schema.ListType
  uint16_t flags;
} martlet_field;

typedef struct {
  const char *discriminator; // NULL if none
  const char *members;       // field=value, joined by commas
} martlet_union;

typedef struct {
  const char *name;
  const char *group;
  const char *version;
  const char *kind;
  const char *verbs; // joined by commas
} martlet_subresource;

typedef struct {
  const char *name;
  const char *singular;
  const char *short_names; // joined by commas, as the next two
  const char *categories;
  const char *verbs;
  uint8_t namespaced;
  uint16_t subresource_count;
  const martlet_subresource *subresources;
} martlet_resource;

typedef struct {
  const ProtobufCMessageDescriptor *descriptor;
  const char *group;   // "" for the core group
  const char *version;
  uint8_t form;        // martlet.schema.Form
  uint8_t flags;
  uint16_t field_count;
  uint16_t union_count;
  const martlet_field *fields; // in the order of JSON
  const martlet_union *unions;
  const martlet_resource *resource; // NULL if none is served
} martlet_message;

extern const martlet_message martlet_messages[];
extern const uint16_t martlet_message_count;

// Swift cannot see an array of unknown length.
static inline const martlet_message *martlet_message_at(uint16_t index) {
  return &martlet_messages[index];
}

#endif
