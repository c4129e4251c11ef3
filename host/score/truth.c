#include "score/truth.h"

#include "score/mixture.h"

int scl_truth_components(const scl_data_config *data)
{
    const bool mixture = data->format == SCL_DATA_POINTS && data->points.distribution == SCL_POINTS_MIXTURE;
    return mixture ? data->points.means.rows : 0;
}

static scl_status write(scl_store *store, const scl_mixture *m, scl_arena *arena, scl_err *err)
{
    const size_t K = (size_t)m->components, D = (size_t)m->dimension;
    float *log_weight = SCL_NEW_ARRAY(arena, float, K), *mean = SCL_NEW_ARRAY(arena, float, K * D),
          *variance = SCL_NEW_ARRAY(arena, float, K);
    scl_mixture_tables(m, log_weight, mean, variance);
    SCL_TRY(scl_store_write(store, "truth.log_weight", log_weight, sizeof(float) * K, err));
    SCL_TRY(scl_store_write(store, "truth.mean", mean, sizeof(float) * K * D, err));
    return scl_store_write(store, "truth.variance", variance, sizeof(float) * K, err);
}

scl_status scl_truth_write(scl_store *store, const scl_data_config *data, scl_err *err)
{
    if (!scl_store_find(store, "truth.mean").value || !scl_truth_components(data))
        return SCL_OK;
    scl_arena arena = { 0 };
    const scl_mixture m = scl_mixture_of(&data->points, &arena);
    const scl_status status = write(store, &m, &arena, err);
    scl_arena_free(&arena);
    return status;
}
