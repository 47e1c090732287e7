import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type JsonValue, rejectUnknownQuery, Scopes, toSnakeJson } from '@slipstream/service-host';
import type { BudgetRules, Spent } from '../../domain/repair/budget.ts';
import { describedBudget } from './described.ts';

/** Injection token of {@link BudgetView}. */
export const BUDGET = Symbol('reconciliation:budget');

export interface BudgetView {
  readonly rules: BudgetRules;
  spent(): Promise<Spent>;
}

@ApiTags('cases')
@Controller('v1/repair-budget')
@Scopes('cases:read')
export class RepairBudgetController {
  constructor(@Inject(BUDGET) private readonly view: BudgetView) {}

  @Get()
  @ApiOperation({
    summary:
      'What refunds without people took within the last hour, and may take; and how many slips our own trouble held up lately',
  })
  @ApiOkResponse({ schema: describedBudget as object })
  async getRepairBudget(@Query() query: Record<string, unknown>): Promise<JsonValue> {
    rejectUnknownQuery(query, []);
    const { countMax, amountMax, ownTroubleMax } = this.view.rules;
    const { count, amounts, ownTrouble } = await this.view.spent();
    const currencies = [...new Set([...amountMax.keys(), ...amounts.keys()])].sort();
    return toSnakeJson({
      refunds: { spent: count, max: countMax },
      amounts: currencies.map((currency) => ({
        ...{ currency, spent: amounts.get(currency) ?? 0n, max: amountMax.get(currency) ?? null },
      })),
      ownTrouble: { slips: ownTrouble, max: ownTroubleMax },
    });
  }
}
