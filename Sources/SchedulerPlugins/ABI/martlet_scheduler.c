/* Nothing to link: the interface is its header. This file checks what the header promises. */
#include "martlet_scheduler.h"

#include <stddef.h>

_Static_assert(offsetof(struct martlet_nodes, size) == 0, "begins with its size");
_Static_assert(offsetof(struct martlet_spread, size) == 0, "begins with its size");
_Static_assert(offsetof(struct martlet_pod, size) == 0, "begins with its size");
_Static_assert(offsetof(struct martlet_score_part, size) == 0, "begins with its size");
_Static_assert(offsetof(struct martlet_scheduler_plugin, size) == 0, "begins with its size");

/* Layout of version 1.0 on 64-bit machines, fixed for ever: later versions only append. */
_Static_assert(offsetof(struct martlet_nodes, reserved) == 60, "layout of 1.0");
_Static_assert(offsetof(struct martlet_spread, pods_in_domain) == 32, "layout of 1.0");
_Static_assert(offsetof(struct martlet_pod, notes) == 80, "layout of 1.0");
_Static_assert(offsetof(struct martlet_score_part, normalized) == 24, "layout of 1.0");
_Static_assert(offsetof(struct martlet_scheduler_plugin, get_extension) == 112, "layout of 1.0");
