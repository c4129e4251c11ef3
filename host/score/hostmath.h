/* Elementary functions in double from + - * / and sqrt alone: the same bits on every machine, which libm does not promise.
 * For numbers that the host computes and rounds once to float (noise levels, learning rates).  Errors below 4 ulp of double. */
#ifndef SCL_SCORE_HOSTMATH_H
#define SCL_SCORE_HOSTMATH_H

double scl_host_exp(double x);          /* |x| <= 700 */
double scl_host_log(double x);          /* x > 0, normal */
double scl_host_cos_pi(double t);       /* cos(pi t), 0 <= t <= 1 */
double scl_host_power(double x, long n);/* x^n, n >= 0, by repeated squaring */

#endif
