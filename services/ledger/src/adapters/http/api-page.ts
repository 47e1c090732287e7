import { applyDecorators } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import { pageSizeDefault, pageSizeMax } from '@slipstream/service-host';

/** Documents the parameters that `Parameters.page` reads. */
export const ApiPage = () =>
  applyDecorators(
    ApiQuery({ name: 'cursor', required: false, description: '`next` or `previous` of another page' }),
    ApiQuery({
      name: 'page_size',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: pageSizeMax, default: pageSizeDefault },
    }),
  );
