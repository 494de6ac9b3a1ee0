// What is skipped says why, in its name.

/** The end of a test's name, where there is a reason to skip it. */
export const skipped = (reason: string | undefined): string => (reason === undefined ? '' : ` (skipped: ${reason})`);

/** Why a behaviour is shown on one device alone, or undefined on that. */
export const unlessOn = (wanted: string, backend: string): string | undefined =>
  backend === wanted ? undefined : `one device is enough, and ${wanted} is the fastest`;
