export const telex = 1;
