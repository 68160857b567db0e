#pragma once
// OpenGL's entry points as the loader-independent libOpenGL exports them. For .cpp files of render/
// alone: public headers of other rooms do not include it, so that they go with any toolkit's own.

#ifndef GL_GLEXT_PROTOTYPES
#define GL_GLEXT_PROTOTYPES
#endif
#include <GL/glcorearb.h>
