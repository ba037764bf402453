#ifndef MARTLET_CHECKSUM_H
#define MARTLET_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/// Continues the CRC-32C (Castagnoli) `crc` over `count` bytes at `bytes`.
/// Uses the processor's instruction where there is one, a table otherwise.
uint32_t martlet_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The same by table alone, so that a test can compare the two.
uint32_t martlet_crc32c_by_table(uint32_t crc, const void *bytes, size_t count);

#endif
