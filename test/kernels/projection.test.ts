// The cases of projections.
import { testKernels } from '../support/kernel-suite.js';

testKernels('projection');
