// A register tile of a weight gradient between its chain and the stack of its tree.  channel: of the tile's rows, those of a
// tile that is cut the last one again; K: floats from one row to the next; columns: those of the tile that exist.
// After lib/tile.cl and lib/tree.cl.
#ifndef LIB_DW_TILE_CL
#define LIB_DW_TILE_CL

// A chain starts from +0, or goes on from an open leaf at o.
static void dw_begin(floatV acc[MR][NV], const int channel[MR], global const float *o, const int opened, const int K,
                     const int columns)
{
    #pragma unroll
    for (int i = 0; i < MR; i++) {
        #pragma unroll
        for (int j = 0; j < NV; j++)
            acc[i][j] = opened ? load_some(o + (size_t)channel[i] * K + j * VEC, columns - j * VEC) : (floatV)(0.0f);
    }
}

// Flushes a finished chain and adds it to `merges` older nodes, one level below the other; returns where the sum belongs.
static global float *dw_merge(floatV acc[MR][NV], const int channel[MR], global float *o, int merges, const size_t level,
                              const int K, const int columns)
{
    #pragma unroll
    for (int i = 0; i < MR; i++) {
        #pragma unroll
        for (int j = 0; j < NV; j++)
            acc[i][j] = scl_flush_v(acc[i][j]);
    }
    for (; merges > 0; merges--) {
        o -= level;
        #pragma unroll
        for (int i = 0; i < MR; i++) {
            #pragma unroll
            for (int j = 0; j < NV; j++) {
                const floatV older = load_some(o + (size_t)channel[i] * K + j * VEC, columns - j * VEC);
                acc[i][j] = scl_flush_v(older + acc[i][j]);
            }
        }
    }
    return o;
}

// Stores the rows that exist.
static void dw_end(floatV acc[MR][NV], const int rows, global float *o, const int K, const int columns)
{
    #pragma unroll
    for (int i = 0; i < MR; i++)
        if (i < rows) {
            #pragma unroll
            for (int j = 0; j < NV; j++)
                store_some(acc[i][j], o + (size_t)i * K + j * VEC, columns - j * VEC);
        }
}

// One step of a chain: the MR values at av times the NR values at bv, wherever these are.
#define DW_LOAD(i, j) right[j] = vloadV(bv + j * VEC);
#define DW_FMA(i, j) acc[i][j] = fma(left, right[j], acc[i][j]);
#define DW_ROW(i) { const floatV left = (floatV)(av[i]); COLUMNS(DW_FMA, i) }
#define DW_STEP { floatV right[NV]; COLUMNS(DW_LOAD, 0) ROWS(DW_ROW) }

#endif
