// A library without the plugin's functions, for the loader's test.
extern "C" __attribute__((visibility("default"))) int something_else() {
  return 1;
}
