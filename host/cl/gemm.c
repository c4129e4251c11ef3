/* Matrix products by CLBlast: algorithm clblast alone, whose order of sums is CLBlast's own. */
#include <clblast_c.h>

#include "cl/load.h"

static scl_status check(CLBlastStatusCode code, const char *call, scl_err *err)
{
    if (code == CLBlastSuccess)
        return SCL_OK;
    return scl_fail(err, SCL_FAILED, "%s: CLBlast error %d", call, (int)code);
}

/* Measured on PoCL (docs/design/performance.md, section 2): one work-item a group, wide vectors, always the direct way of
 * packed panels; CLBlast's own defaults reach a fifth of it. */
static scl_status override_for_cpu(cl_device_id device, scl_err *err)
{
    const char *names[] = { "GEMMK", "KREG", "KWG", "KWI", "MDIMA", "MDIMC", "MWG", "NDIMB", "NDIMC", "NWG", "SA", "SB", "STRM",
                            "STRN", "VWM", "VWN" };
    const size_t values[] = { 0, 1, 16, 2, 1, 1, 32, 1, 1, 8, 0, 0, 0, 0, 8, 4 };
    SCL_TRY(check(CLBlastOverrideParameters(device, "Xgemm", CLBlastPrecisionSingle,
                                            sizeof names / sizeof *names, names, values),
                  "CLBlastOverrideParameters(Xgemm)", err));
    const char *routine[] = { "XGEMM_MIN_INDIRECT_SIZE" };
    const size_t always[] = { 1 };
    return check(CLBlastOverrideParameters(device, "GemmRoutine", CLBlastPrecisionSingle, 1, routine, always),
                 "CLBlastOverrideParameters(GemmRoutine)", err);
}

#define OPERANDS(g) CLBlastLayoutRowMajor, (g)->ta ? CLBlastTransposeYes : CLBlastTransposeNo,                         \
                    (g)->tb ? CLBlastTransposeYes : CLBlastTransposeNo, (size_t)(g)->m, (size_t)(g)->n, (size_t)(g)->k

scl_status scl_cl_gemm_prepare(scl_cl *cl, scl_cl_gemm *x, scl_err *err)
{
    const scl_gemm *g = x->gemm;
    if (!cl->gemm_ready) {
        if (cl->base.info.klass == SCL_CLASS_CPU)
            SCL_TRY(override_for_cpu(cl->device, err));
        cl->gemm_ready = true;
    }
    size_t bytes = 0;
    SCL_TRY(check(CLBlastSGemmTempBufferSize(OPERANDS(g), g->a_offset, (size_t)g->lda, g->b_offset,
                                             (size_t)g->ldb, g->c_offset, (size_t)g->ldc, &cl->queue, &bytes),
                  "CLBlastSGemmTempBufferSize", err));
    if (bytes) {
        cl_int code;
        x->scratch = clCreateBuffer(cl->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
        SCL_TRY(scl_cl_check(code, "clCreateBuffer", "scratch of CLBlast", err));
    }
    return SCL_OK;
}

scl_status scl_cl_gemm_run(scl_cl *cl, const scl_cl_gemm *x, cl_event *event, scl_err *err)
{
    const scl_gemm *g = x->gemm;
    return check(CLBlastSgemmWithTempBuffer(OPERANDS(g), g->alpha, x->a, g->a_offset, (size_t)g->lda, x->b,
                                            g->b_offset, (size_t)g->ldb, g->beta, x->c, g->c_offset,
                                            (size_t)g->ldc, &cl->queue, event, x->scratch),
                 "CLBlastSgemm", err);
}
