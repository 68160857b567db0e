// A plugin of another version, for the loader's test.
extern "C" __attribute__((visibility("default"))) int looktwice_cuda_abi() {
  return -1;
}
extern "C" __attribute__((visibility("default"))) int looktwice_cuda_open() {
  return 0;
}
