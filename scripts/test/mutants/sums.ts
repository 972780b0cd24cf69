/** Code for the tests of the mutants: one function is tested, the other is not. */
export const sum = (a: number, b: number): number => a + b;
export const difference = (a: number, b: number): number => a - b;
