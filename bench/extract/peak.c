// The most float32 multiply-adds a second that a number of threads reach together: each keeps twelve independent chains
// of fused multiply-adds over whole vectors in registers; nothing is loaded or stored. Prints GFLOP/s (a multiply-add
// counts as two), best of five: cc -O3 -march=native -ffp-contract=fast -pthread peak.c -o peak && ./peak THREADS
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif
#define CHAINS 12
#define STEPS 20000000L

typedef float vector __attribute__((vector_size(LANES * sizeof(float))));

static void *work(void *result) {
  vector a[CHAINS], factor, term;
  for (int lane = 0; lane < LANES; lane++) factor[lane] = 0.999f, term[lane] = 0.001f;
  for (int i = 0; i < CHAINS; i++) a[i] = term * (float)i;
  for (long step = 0; step < STEPS; step++) {
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++) a[i] = a[i] * factor + term;
  }
  vector sum = a[0];
  for (int i = 1; i < CHAINS; i++) sum += a[i];
  *(float *)result = sum[0];
  return NULL;
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1;
  if (threads < 1 || threads > 1024) return 2;
  double best = 0;
  for (int round = 0; round < 5; round++) {
    pthread_t thread[1024];
    float result[1024];
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < threads; i++) pthread_create(&thread[i], NULL, work, &result[i]);
    for (int i = 0; i < threads; i++) pthread_join(thread[i], NULL);
    clock_gettime(CLOCK_MONOTONIC, &to);
    double seconds = (to.tv_sec - from.tv_sec) + (to.tv_nsec - from.tv_nsec) * 1e-9;
    double rate = 2.0 * CHAINS * LANES * STEPS * threads / seconds * 1e-9;
    if (rate > best && result[0] > 0) best = rate;
  }
  printf("%.1f\n", best);
  return 0;
}
