/* The exported constant of a strategy that is written in Swift.
 *
 * Swift can export functions (`@c`), but not a constant struct of them. So each strategy has a C
 * file of one line, MARTLET_PLUGIN_TABLE(id, version, capabilities), and the functions below. */
#ifndef MARTLET_PLUGIN_TABLE_H
#define MARTLET_PLUGIN_TABLE_H

#include "martlet_scheduler.h"
#include "martlet_scheduler_hash.h"

int32_t plugin_create(const char *config, uint64_t config_count, void **instance, char *error,
                      uint64_t error_capacity);
void plugin_destroy(void *instance);
int32_t plugin_self_test(void *instance, char *error, uint64_t error_capacity);
int32_t plugin_score(void *instance, const struct martlet_nodes *nodes,
                     const struct martlet_pod *pod, int32_t *scores);
int32_t plugin_rescore(void *instance, const struct martlet_nodes *nodes,
                       const struct martlet_pod *pod, const uint32_t *dirty, uint32_t dirty_count,
                       int32_t *scores);
int32_t plugin_explain(void *instance, const struct martlet_nodes *nodes,
                       const struct martlet_pod *pod, uint32_t node,
                       struct martlet_score_part *parts, uint32_t capacity, uint32_t *count);

#define MARTLET_PLUGIN_TABLE(ID, VERSION, CAPABILITIES)                                            \
    extern const struct martlet_scheduler_plugin martlet_scheduler_plugin;                         \
    const struct martlet_scheduler_plugin martlet_scheduler_plugin = {                             \
        .size = sizeof(struct martlet_scheduler_plugin),                                           \
        .magic = MARTLET_SCHEDULER_MAGIC,                                                          \
        .abi_major = MARTLET_SCHEDULER_ABI_MAJOR,                                                  \
        .abi_minor = MARTLET_SCHEDULER_ABI_MINOR,                                                  \
        .capabilities = (CAPABILITIES),                                                            \
        .id = (ID),                                                                                \
        .version = (VERSION),                                                                      \
        .header_sha256 = MARTLET_SCHEDULER_HEADER_SHA256,                                          \
        .create = plugin_create,                                                                   \
        .destroy = plugin_destroy,                                                                 \
        .self_test = plugin_self_test,                                                             \
        .score = plugin_score,                                                                     \
        .rescore = plugin_rescore,                                                                 \
        .explain = plugin_explain,                                                                 \
    }

#endif
