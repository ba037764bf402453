#include "plugin_table.h"

MARTLET_PLUGIN_TABLE("spread", "1.0.0",
                     MARTLET_READS_SPREAD | MARTLET_READS_PREFERRED_AFFINITY |
                         MARTLET_READS_TAINTS);
