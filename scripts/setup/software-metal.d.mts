export function whyNoSoftwareMetal(): string | undefined;
export function softwareMetalEnvironment(build?: {
  checked?: boolean;
  reverse?: boolean;
  oldest?: boolean;
  options?: string[];
}): Record<string, string>;
