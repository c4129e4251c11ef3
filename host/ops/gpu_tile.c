/* Tiles of a work-group.  Registers: TM x TN accumulators, two vectors of operands, one step's values on their way; none spills
 * at the limits of current GPUs (docs/results has the figures of three vendors' compilers). */
#include "ops/gpu_tile.h"

static const scl_gpu_tile tiles[] = {
    { .BM = 256, .BN = 4, .TM = 4, .TN = 4, .BK = 4 },      /* the last layer of a network: 1 or 3 output channels */
    { .BM = 128, .BN = 16, .TM = 4, .TN = 4, .BK = 8 },
    { .BM = 128, .BN = 128, .TM = 8, .TN = 8, .BK = 8 },
    { .BM = 128, .BN = 64, .TM = 8, .TN = 4, .BK = 8 },
    { .BM = 64, .BN = 64, .TM = 8, .TN = 4, .BK = 8 },
    { .BM = 64, .BN = 32, .TM = 4, .TN = 4, .BK = 8 },
    { .BM = 32, .BN = 32, .TM = 4, .TN = 4, .BK = 8 },
};

static long divide_up(long n, int by) { return (n + by - 1) / by; }

bool scl_gpu_tile_of(const scl_tune *tune, scl_gpu_tile *out)
{
    const int BM = scl_tune_get(tune, "BM"), BN = scl_tune_get(tune, "BN");
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++)
        if (tiles[i].BM == BM && tiles[i].BN == BN) {
            *out = tiles[i];
            out->items = BM / out->TM * (BN / out->TN);
            return true;
        }
    return false;
}

long scl_gpu_tile_groups(const scl_gpu_tile *t, long rows, int columns)
{
    return divide_up(rows, t->BM) * divide_up(columns, t->BN);
}

long scl_gpu_cores(const scl_device_info *device)
{
    return device->units_per_core > 1 ? divide_up(device->compute_units, (int)device->units_per_core) : device->compute_units;
}

/* The narrow tiles are for narrow products, a wide one must be more than half full, and unless it is the smallest of its kind
 * there must be a group for every compute unit.  Of the widest, 8 x 8 values of a work-item, a unit holds two and must get as
 * many; it reads the least of local memory for a multiplication, but not if half of it were for nothing. */
static bool is_worth_it(const scl_gpu_tile *t, const scl_device_info *device, long rows, int columns, long products)
{
    if (t->BN <= 16)
        return columns <= t->BN;
    if (t->BM == 32)
        return true;
    const bool widest = t->BN == 128;
    if (widest && divide_up(columns, 64) % 2 != 0)
        return false;
    return t->BN / 2 < columns && t->BM / 2 < rows &&
           scl_gpu_tile_groups(t, rows, columns) * products >= scl_gpu_cores(device) * (widest ? 2 : 1);
}

bool scl_gpu_tile_fits(const scl_gpu_tile *t, const scl_device_info *device, long rows, int columns, long products)
{
    const size_t local = sizeof(float) * 2 * (size_t)t->BK * (size_t)(t->BM + t->BN + 8);
    if ((size_t)t->items > device->max_work_group || local > device->local_bytes)
        return false;
    if (scl_device_scalar(device))
        return t->BM == 32;
    return device->klass != SCL_CLASS_GPU || is_worth_it(t, device, rows, columns, products);
}
