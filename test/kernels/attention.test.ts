// The cases of attention and rotation.
import { testKernels } from '../support/kernel-suite.js';

testKernels('attention');
