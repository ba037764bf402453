/* SHA-256 of martlet_scheduler.h beside this file; a test checks that it is. */
#ifndef MARTLET_SCHEDULER_HASH_H
#define MARTLET_SCHEDULER_HASH_H

#define MARTLET_SCHEDULER_HEADER_SHA256 \
    "eeda67946a5480114fd49c3f81e5144b51256b510723818594310d910095af66"

#endif
