import { registerDecorator } from 'class-validator';

/** A class-validator rule made of a check of the domain, so that HTTP and Kafka have one set of rules. */
export function CheckedBy(problemOf: (value: unknown) => string | null): PropertyDecorator {
  return (target, propertyName) =>
    registerDecorator({
      name: problemOf.name,
      target: target.constructor,
      propertyName: String(propertyName),
      validator: {
        validate: (value) => problemOf(value) === null,
        defaultMessage: (problem) => problemOf(problem?.value) ?? '',
      },
    });
}
