/* A strategy that does wrong what its configuration names: "create", "self-test", "score",
 * "range", "filter", "narrow". With any other configuration it gives every node the score 1. */
#include "martlet_scheduler.h"

#include <string.h>

enum { WELL, CREATE, SELF_TEST, SCORE, RANGE, FILTER, NARROW };
static const char *const names[] = {"{}",    "create", "self-test", "score",
                                    "range", "filter", "narrow"};
static int modes[] = {WELL, CREATE, SELF_TEST, SCORE, RANGE, FILTER, NARROW};

static int mode_of(void *instance) { return *(const int *)instance; }

static int32_t create(const char *config, uint64_t config_count, void **instance, char *error,
                      uint64_t error_capacity) {
    *instance = &modes[WELL];
    for (int mode = CREATE; mode <= NARROW; mode++) {
        if (config_count == strlen(names[mode]) && memcmp(config, names[mode], config_count) == 0)
            *instance = &modes[mode];
    }
    if (mode_of(*instance) != CREATE)
        return MARTLET_OK;
    strncpy(error, "it was told to", error_capacity);
    return MARTLET_FAILED;
}

static int32_t self_test(void *instance, char *error, uint64_t error_capacity) {
    (void)error, (void)error_capacity;
    return mode_of(instance) == SELF_TEST ? MARTLET_FAILED : MARTLET_OK;
}

static int32_t score(void *instance, const struct martlet_nodes *nodes,
                     const struct martlet_pod *pod, int32_t *scores) {
    (void)pod;
    if (mode_of(instance) == SCORE)
        return MARTLET_FAILED;
    for (uint32_t node = 0; node < nodes->node_count; node++)
        scores[node] = mode_of(instance) == RANGE ? (node % 2 ? INT32_MIN : INT32_MAX) : 1;
    return MARTLET_OK;
}

static int32_t filter(void *instance, const struct martlet_nodes *nodes,
                      const struct martlet_pod *pod, uint8_t *feasible) {
    (void)pod;
    if (mode_of(instance) != FILTER && mode_of(instance) != NARROW)
        return MARTLET_OK;
    for (uint32_t node = 0; node < nodes->node_count; node++)
        feasible[node] = mode_of(instance) == NARROW ? node == 0 && feasible[node] : 7;
    return mode_of(instance) == NARROW ? MARTLET_OK : MARTLET_FAILED;
}

extern const struct martlet_scheduler_plugin martlet_scheduler_plugin;
const struct martlet_scheduler_plugin martlet_scheduler_plugin = {
    .size = sizeof(struct martlet_scheduler_plugin),
    .magic = MARTLET_SCHEDULER_MAGIC,
    .abi_major = MARTLET_SCHEDULER_ABI_MAJOR,
    .abi_minor = MARTLET_SCHEDULER_ABI_MINOR,
    .id = "misbehaving",
    .version = "0.1",
    .create = create,
    .self_test = self_test,
    .score = score,
    .filter = filter,
};
