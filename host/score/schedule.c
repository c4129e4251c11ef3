#include "score/schedule.h"

#include <math.h>

#include "graph/arith.h"
#include "score/hostmath.h"

double scl_learning_rate(const scl_train_config *t, long step)
{
    const int warmup = t->optimizer.warmup;
    if (step < warmup)
        return t->optimizer.lr * (double)(step + 1) / warmup;
    const long span = t->steps - 1 - warmup;
    if (t->optimizer.schedule == SCL_LR_CONSTANT || span <= 0)
        return t->optimizer.lr;
    const double done = (double)(step - warmup) / (double)span, x = done < 1 ? done : 1;
    const double left = t->optimizer.schedule == SCL_LR_LINEAR ? 1 - x : 0.5 * (1 + scl_host_cos_pi(x));
    return t->optimizer.lr * (t->optimizer.lr_end + (1 - t->optimizer.lr_end) * left);
}

void scl_optim_coefs(const scl_train_config *t, long step, float coef[SCL_COEFS])
{
    const double lr = scl_learning_rate(t, step), eps = t->optimizer.eps > 1e-12 ? t->optimizer.eps : 1e-12;
    const double beta1 = t->optimizer.beta1, beta2 = t->optimizer.beta2;
    const double v = t->optimizer.method == SCL_OPTIMIZER_RMSPROP ? t->optimizer.decay : beta2;
    for (int i = 0; i < SCL_COEFS; i++)
        coef[i] = 0.0f;
    coef[SCL_COEF_RATE] = (float)-lr;
    coef[SCL_COEF_ADAM_RATE] = (float)(-lr / (1 - scl_host_power(beta1, step + 1)));
    coef[SCL_COEF_ADAM_ROOT] = (float)(1 / sqrt(1 - scl_host_power(beta2, step + 1)));
    coef[SCL_COEF_EPS] = (float)eps;
    coef[SCL_COEF_M] = (float)(1 - beta1);
    coef[SCL_COEF_V] = (float)(1 - v);
    coef[SCL_COEF_MOMENTUM] = (float)t->optimizer.momentum;
    coef[SCL_COEF_EMA] = (float)(1 - t->ema);
    coef[SCL_COEF_CLIP] = (float)t->optimizer.clip;
    /* As every number that enters: a denormal would be 0 on some devices. */
    for (int i = 0; i < SCL_COEFS; i++)
        coef[i] = scl_flush(coef[i]);
}
