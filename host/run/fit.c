#include "run/fit.h"

static const double mib = 1.0 / (1 << 20);

bool scl_need_fits(const scl_need *need, const scl_device_info *d)
{
    const size_t block = need->slab_bytes > need->largest_bytes ? need->slab_bytes : need->largest_bytes;
    if (d->max_alloc_bytes && block > d->max_alloc_bytes)
        return false;
    return !d->global_bytes || need->slab_bytes + need->store_bytes <= d->global_bytes;
}

scl_status scl_need_plan(scl_need *need, scl_graph *graph, const scl_device_info *device,
                         const scl_plan_options *options, scl_err *err)
{
    size_t bytes;
    SCL_TRY(scl_plan_measure(&bytes, graph, device, options, err));
    need->slab_bytes = bytes > need->slab_bytes ? bytes : need->slab_bytes;
    return SCL_OK;
}

scl_status scl_need_store(scl_need *need, scl_graph *const *graphs, int n_graphs, scl_err *err)
{
    return scl_store_measure(graphs, n_graphs, &need->store_bytes, &need->largest_bytes, err);
}

double scl_fit_mib(const scl_device_info *d)
{
    return (double)d->global_bytes * mib;
}

static int part_of(int batch, int parts)
{
    return (batch + parts - 1) / parts;
}

static scl_status too_large(const scl_need *need, const scl_device_info *d, scl_err *err)
{
    return scl_fail(err, SCL_FAILED,
                    "it does not fit on %s: even one sample at a time takes %.1f MiB (%.1f for values of a "
                    "run, %.1f for weights, "
                    "optimiser, sums and data), it may take %.1f MiB, %.1f in one block",
                    d->name, (double)(need->slab_bytes + need->store_bytes) * mib,
                    (double)need->slab_bytes * mib, (double)need->store_bytes * mib, scl_fit_mib(d),
                    d->max_alloc_bytes ? (double)d->max_alloc_bytes * mib : scl_fit_mib(d));
}

/* Doubles until it fits, then halves the distance: what runs of fewer samples take is less. */
scl_status scl_fit_parts(int *parts, int batch, int least, const scl_device_info *device,
                         scl_need_function *need, void *context, scl_err *err)
{
    scl_need n = {0};
    int fails = 0, now = least > 0 ? least : 1;
    for (;; now = 2 * now < batch ? 2 * now : batch) {
        SCL_TRY(need(context, part_of(batch, now), &n, err));
        if (scl_need_fits(&n, device))
            break;
        if (now >= batch)
            return too_large(&n, device, err);
        fails = now;
    }
    while (fails && now - fails > 1) {
        const int between = fails + (now - fails) / 2;
        SCL_TRY(need(context, part_of(batch, between), &n, err));
        if (scl_need_fits(&n, device))
            now = between;
        else
            fails = between;
    }
    *parts = now;
    return SCL_OK;
}
