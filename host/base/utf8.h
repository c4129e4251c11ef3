/* UTF-8, and what is none: drivers' names and logs come in any bytes, and texts of a fixed size are cut anywhere. */
#ifndef SCL_BASE_UTF8_H
#define SCL_BASE_UTF8_H

#include <stddef.h>

/* Bytes of the sequence at p, of which left are there; 0: none begins here. */
size_t scl_utf8_sequence(const unsigned char *p, size_t left);

/* A question mark in place of each byte that is of no sequence. */
void scl_utf8_mend(char *text, size_t size);

#endif
