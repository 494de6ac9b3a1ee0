export function clangProgram(): string | undefined;
export function provideClang(): Promise<string | undefined>;
