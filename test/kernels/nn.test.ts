// The cases of the other kernels of room nn.
import { testKernels } from '../support/kernel-suite.js';

testKernels('nn');
