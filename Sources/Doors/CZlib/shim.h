#pragma once
#include <zlib.h>

/// `deflateInit2` is a macro. 15 + 16 window bits ask for a gzip header and trailer.
static inline int martlet_gzip_init(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}

static inline int martlet_gunzip_init(z_stream *stream) {
    return inflateInit2(stream, 15 + 16);
}
