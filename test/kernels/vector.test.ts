// The cases of rooms vector and math.
import { testKernels } from '../support/kernel-suite.js';

testKernels('vector');
