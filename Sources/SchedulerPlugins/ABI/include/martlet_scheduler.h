/*
 * martlet_scheduler.h: what a scheduling strategy and Martlet's scheduler say to each other.
 *
 * The scheduler decides which nodes a pod may run on; a strategy says which of them is best. A
 * strategy is a shared library that exports one constant, `martlet_scheduler_plugin`. It is asked
 * about one class of pods over all nodes at a time, in arrays, and never about one node.
 *
 * Promises of the host
 *   - It owns all memory. Whatever it hands over may be read, or written where this header says
 *     so, until the call returns, and not afterwards. Neither side frees what the other made.
 *   - Arrays over nodes start at an address divisible by 64 and have room for `node_stride`
 *     elements, which is a multiple of 64; elements past `node_count` are zero.
 *   - It calls from one thread at a time, and `create` before anything else.
 *
 * Promises of a strategy
 *   - The same nodes, pod and configuration give the same bytes: no clock, no randomness, no
 *     threads, no files, no memory of earlier questions that would change an answer.
 *   - It answers within the host's time budget and stays inside the arrays.
 *
 * The host checks answers: scores are clamped, nodes that are not feasible are ignored. A strategy
 * that fails three times is replaced by the host's own until somebody chooses again.
 *
 * Growth: a library is accepted if its major version equals the host's and its minor version is
 * not newer. Structs grow by appending only, and begin with their size in bytes, as the side that
 * filled them in knows it: a field is there if it ends within `size`. A function that is absent is
 * NULL. What does not fit is offered through `get_extension`.
 */
#ifndef MARTLET_SCHEDULER_H
#define MARTLET_SCHEDULER_H

#include <stdint.h>

/* "MSCH" as it stands in memory on a little-endian machine. */
#define MARTLET_SCHEDULER_MAGIC 0x4843534DU
#define MARTLET_SCHEDULER_ABI_MAJOR 1
#define MARTLET_SCHEDULER_ABI_MINOR 0

/* Scores run from 0, the worst, to this. */
#define MARTLET_SCORE_MAX 1000000

/* What a function returns: done; ask `score` instead (of rescore only); or any negative number:
 * not done, and nothing it wrote counts. */
#define MARTLET_OK 0
#define MARTLET_ASK_AGAIN 1
#define MARTLET_FAILED (-1)

/* Capabilities: which of the costlier facts about a pod a strategy reads. The host leaves the
 * others out (NULL, 0). */
#define MARTLET_READS_SPREAD 1ULL             /* spreads */
#define MARTLET_READS_PREFERRED_AFFINITY 2ULL /* preferred_affinity */
#define MARTLET_READS_TAINTS 4ULL             /* avoided_taints */
#define MARTLET_READS_PEERS 8ULL              /* owner_pods, group_pods */

/* Rows of `allocatable`, `requested` and `requests`. Extended resources follow in rows of their
 * own, named by `resource_names`. */
#define MARTLET_RESOURCE_CPU 0               /* thousandths of a core */
#define MARTLET_RESOURCE_MEMORY 1            /* bytes */
#define MARTLET_RESOURCE_EPHEMERAL_STORAGE 2 /* bytes */
#define MARTLET_RESOURCE_PODS 3              /* pods */

/* All nodes, as they stand at the moment of the question. Node i is element i of every array over
 * nodes. A place without a node has nothing allocatable and is never feasible. */
struct martlet_nodes {
    /* sizeof this struct, as the host knows it. */
    uint32_t size;
    /* Number of places for nodes in use, those without a node included. */
    uint32_t node_count;
    /* Elements from one row to the next; node_count rounded up. */
    uint32_t node_stride;
    /* Number of rows in allocatable and requested. */
    uint32_t resource_count;
    /* resource_count names, NUL-terminated: "cpu", "memory", "example.com/gpu", ... */
    const char *const *resource_names;
    /* allocatable[row * node_stride + node]: what the node offers to pods. */
    const int64_t *allocatable;
    /* requested[row * node_stride + node]: what its pods have asked for. */
    const int64_t *requested;
    /* Rows cpu and memory again, where a container that asks for none counts as asking for 100
     * thousandths of a core and 200 MiB; for scores, so that such pods are not all put together. */
    const int64_t *scoring_requested;
    /* Zone of each node, from 0 to zone_count - 1, or -1 if its labels name none. */
    const int32_t *zone_of_node;
    /* Number of different zones. */
    uint32_t zone_count;
    /* Zero. */
    uint32_t reserved;
};

/* Keep pods of one kind apart over the domains of a topology, as far as possible. */
struct martlet_spread {
    /* sizeof this struct, as the host knows it. */
    uint32_t size;
    /* How uneven the domains may be before it matters; at least 1. */
    int32_t skew_max;
    /* Number of domains; 0 if each node is a domain of its own. */
    uint32_t domain_count;
    /* Domains that have a feasible node. */
    uint32_t feasible_domain_count;
    /* What a pod in a domain weighs: ln(feasible_domain_count + 2). Given, so that a strategy
     * needs no mathematical library and all of them weigh alike. */
    double pod_weight;
    /* Domain of each node, or -1 if it is in none. NULL if each node is a domain of its own. */
    const int32_t *domain_of_node;
    /* Pods of that kind by domain, or by node if each node is a domain of its own. */
    const int32_t *pods_in_domain;
};

/* A class of pods that are alike to the scheduler, and what the host found out about it. */
struct martlet_pod {
    /* sizeof this struct, as the host knows it. */
    uint32_t size;
    /* Its priority; higher is more important. */
    int32_t priority;
    /* What it asks for: one element a row of martlet_nodes.allocatable; pods is 1. */
    const int64_t *requests;
    /* cpu and memory as in martlet_nodes.scoring_requested. */
    const int64_t *scoring_requests;
    /* 1 for each node that passed the host's filters, otherwise 0. */
    const uint8_t *feasible;
    /* Number of ones in feasible; at least 1. */
    uint32_t feasible_count;
    /* Number of pointers in spreads. */
    uint32_t spread_count;
    /* Wishes to keep pods of its kind apart. NULL if there are none. */
    const struct martlet_spread *const *spreads;
    /* Sum of the weights of the preferred node affinity terms that each node matches. NULL if the
     * pod prefers none. */
    const int32_t *preferred_affinity;
    /* Number of taints with effect PreferNoSchedule on each node that the pod does not tolerate.
     * NULL if there are none on any node. */
    const int32_t *avoided_taints;
    /* Pods on each node that have the same controller. NULL if the pod has none. */
    const int32_t *owner_pods;
    /* Pods on each node that belong to the same services and controllers (as Kubernetes' default
     * spreading groups them). NULL if it belongs to none. */
    const int32_t *group_pods;
    /* Notes about each node that the host keeps for this class, as it keeps the scores: at
     * `rescore` they hold what the strategy wrote with its last answer, at `score` anything. They
     * may be written to by both, and save work that need not be done again. Never NULL. */
    int32_t *notes;
};

/* One part of a node's score, for people to read. */
struct martlet_score_part {
    /* sizeof this struct, as the host knows it; also the step from one element to the next. */
    uint32_t size;
    /* What the part is multiplied with. */
    int32_t weight;
    /* Its name, NUL-terminated. Lives as long as the library. */
    const char *name;
    /* Before and after it was brought into the range 0 to 100. */
    int64_t raw;
    int64_t normalized;
};

/* The one thing a library exports:
 * `const struct martlet_scheduler_plugin martlet_scheduler_plugin`. */
struct martlet_scheduler_plugin {
    /* sizeof this struct, as the library knows it. */
    uint32_t size;
    /* MARTLET_SCHEDULER_MAGIC. */
    uint32_t magic;
    /* MARTLET_SCHEDULER_ABI_MAJOR and _MINOR, as the library was compiled. */
    uint16_t abi_major;
    uint16_t abi_minor;
    /* Zero. */
    uint32_t reserved;
    /* MARTLET_READS_... of this header, or-ed. */
    uint64_t capabilities;
    /* Its name, NUL-terminated, at most 63 bytes: lower-case letters, digits and hyphens. The
     * file is called libmartlet-ID.so. */
    const char *id;
    /* Its version, NUL-terminated, at most 63 bytes. */
    const char *version;
    /* MARTLET_SCHEDULER_HEADER_SHA256 of martlet_scheduler_hash.h: which text of this header it
     * was compiled with. For reports; the versions decide. May be NULL. */
    const char *header_sha256;

    /* Makes an instance for a configuration.
     * config: spec.config of the SchedulingPolicy as JSON, config_count bytes, not terminated;
     * "{}" if there is none. instance: where to put a pointer of the strategy's own, which may be
     * NULL. error: where to put one sentence without a newline, NUL-terminated, of at most
     * error_capacity bytes, in case of failure. Required. */
    int32_t (*create)(const char *config, uint64_t config_count, void **instance, char *error,
                      uint64_t error_capacity);
    /* Ends an instance. May be NULL if create allocates nothing. */
    void (*destroy)(void *instance);
    /* Checks the instance by itself: arithmetic on data of its own, within milliseconds. error as
     * for create. May be NULL. */
    int32_t (*self_test)(void *instance, char *error, uint64_t error_capacity);
    /* Writes a score for every feasible node into scores[0 ..< node_count]. What it writes for
     * others does not matter. Required. */
    int32_t (*score)(void *instance, const struct martlet_nodes *nodes,
                     const struct martlet_pod *pod, int32_t *scores);
    /* As score, but scores still holds this strategy's answer to the last question about this
     * class, and since then nothing has changed but what is known of dirty_count nodes, and the
     * domains they are in: dirty names them in no order, each once. May return MARTLET_ASK_AGAIN.
     * May be NULL. */
    int32_t (*rescore)(void *instance, const struct martlet_nodes *nodes,
                       const struct martlet_pod *pod, const uint32_t *dirty, uint32_t dirty_count,
                       int32_t *scores);
    /* Narrows: may turn ones in feasible into zeros, which the host has copied for it from
     * pod->feasible. May be NULL. */
    int32_t (*filter)(void *instance, const struct martlet_nodes *nodes,
                      const struct martlet_pod *pod, uint8_t *feasible);
    /* In which order to schedule a window of waiting pods of equal priority: writes each index
     * from 0 to count - 1 once into order. May be NULL. Hosts of minor version 0 do not ask. */
    int32_t (*order)(void *instance, const struct martlet_nodes *nodes,
                     const struct martlet_pod *const *pods, uint32_t count, uint32_t *order);
    /* The parts whose weighted sum is the score of one feasible node: writes at most capacity
     * parts, whose size fields the host has filled in, and their number into count. May be NULL. */
    int32_t (*explain)(void *instance, const struct martlet_nodes *nodes,
                       const struct martlet_pod *pod, uint32_t node,
                       struct martlet_score_part *parts, uint32_t capacity, uint32_t *count);
    /* A struct agreed upon under that name, or NULL. May be NULL. */
    const void *(*get_extension)(const char *name);
};

#endif
