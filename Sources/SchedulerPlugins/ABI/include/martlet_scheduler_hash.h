/* SHA-256 of martlet_scheduler.h beside this file; a test checks that it is. */
#ifndef MARTLET_SCHEDULER_HASH_H
#define MARTLET_SCHEDULER_HASH_H

#define MARTLET_SCHEDULER_HEADER_SHA256 \
    "c493de763876ed8e032889f51bede466f44dcd25f7520b35566f060cfdd7fa21"

#endif
