import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { Body, Controller, HttpCode, Module, Post, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Type } from 'class-transformer';
import {
  IsBoolean,
  IsIn,
  IsISO8601,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
  ValidateNested,
} from 'class-validator';

/**
 * What intake is held against: NestJS on Fastify that checks the same body with class-validator, and stores nothing. It runs
 * as its own process with Node's own heap. Decorators are called by hand, as Node strips types and nothing else.
 */
class AmountBody {
  amount!: string;
  currency!: string;
}

class SlipBody {
  reference!: string;
  kind!: string;
  account!: string;
  counterparty!: string;
  amount!: AmountBody;
  route!: string;
  deadline!: string | null;
  confirm!: boolean;
  metadata!: Record<string, string>;
}

class SlipsController {
  submit({ reference }: SlipBody) {
    return { id: randomUUID(), reference, status: 'submitted', submitted_at: new Date().toISOString() };
  }
}

class BareModule {}

function check(body: object, property: string, ...rules: readonly PropertyDecorator[]): void {
  for (const rule of rules) rule(body, property);
}

check(AmountBody.prototype, 'amount', IsString(), Matches(/^[1-9][0-9]{0,18}$/));
check(AmountBody.prototype, 'currency', IsString(), Length(3, 3));
for (const name of ['reference', 'account', 'counterparty', 'route']) {
  check(SlipBody.prototype, name, IsString(), Length(1, 128));
}
check(SlipBody.prototype, 'kind', IsIn(['order', 'payout', 'payment']));
check(
  SlipBody.prototype,
  'amount',
  ValidateNested(),
  Type(() => AmountBody),
);
check(SlipBody.prototype, 'deadline', IsOptional(), IsISO8601());
check(SlipBody.prototype, 'confirm', IsOptional(), IsBoolean());
check(SlipBody.prototype, 'metadata', IsOptional(), IsObject());

const { prototype } = SlipsController;
const submit = Object.getOwnPropertyDescriptor(prototype, 'submit')!;
Reflect.defineMetadata('design:paramtypes', [SlipBody], prototype, 'submit');
Body()(prototype, 'submit', 0);
Post()(prototype, 'submit', submit);
HttpCode(202)(prototype, 'submit', submit);
Controller('v1/slips')(SlipsController);
Module({ controllers: [SlipsController] })(BareModule);

const app = await NestFactory.create<NestFastifyApplication>(BareModule, new FastifyAdapter(), {
  logger: false,
});
app.useGlobalPipes(new ValidationPipe({ whitelist: true, transform: true }));
await app.listen(0, '127.0.0.1');
console.log(await app.getUrl());
