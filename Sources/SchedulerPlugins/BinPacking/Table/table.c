#include "plugin_table.h"

MARTLET_PLUGIN_TABLE("bin-packing", "1.0.0",
                     MARTLET_READS_PEERS | MARTLET_READS_PREFERRED_AFFINITY |
                         MARTLET_READS_TAINTS);
