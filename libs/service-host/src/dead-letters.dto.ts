import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsInt,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';

/** PostgreSQL's text cannot hold NUL. */
export const storable = /^[^\0]*$/;
export const storableMessage = { message: 'must not contain U+0000' };
const idPattern = /^[1-9]\d{0,17}$/;

export class LetterFilterBody {
  @ApiPropertyOptional({ type: String })
  @IsOptional()
  @IsString()
  @Length(1, 512)
  @Matches(storable, storableMessage)
  readonly topic?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 0 })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(100_000)
  readonly partition?: number;

  @ApiPropertyOptional({ type: String, description: "the slip's id; on inbound topics the record's key" })
  @IsOptional()
  @IsString()
  @Length(1, 512)
  @Matches(storable, storableMessage)
  readonly slip?: string;

  @ApiPropertyOptional({ type: String, example: 'failed' })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  @Matches(storable, storableMessage)
  readonly reason?: string;
}

/** The body of `POST /v1/dead-letters/redrive`: `ids` or `filter`, an empty filter being everything. */
export class RedriveBody {
  @ApiPropertyOptional({
    type: [String],
    description: 'ids of letters; the whole slip of each is read again',
  })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(1_000)
  @Matches(idPattern, { each: true })
  readonly ids?: string[];

  @ApiPropertyOptional({ type: LetterFilterBody })
  @IsOptional()
  @ValidateNested()
  @Type(() => LetterFilterBody)
  readonly filter?: LetterFilterBody;

  @ApiPropertyOptional({ type: Boolean, default: true, description: 'only count; nothing is done' })
  @IsOptional()
  @IsBoolean()
  readonly dry_run?: boolean;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: 10_000,
    default: 1_000,
    description: 'slips at most',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(10_000)
  readonly limit?: number;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: 1_000,
    default: 50,
    description: 'letters a second',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1_000)
  readonly per_second?: number;

  @ApiPropertyOptional({ type: String, description: 'why; needed unless it is a dry run' })
  @IsOptional()
  @IsString()
  @Length(1, 1_000)
  @Matches(storable, storableMessage)
  readonly reason?: string;
}

export class DismissBody {
  @ApiProperty({
    ...{ type: String, minLength: 1, maxLength: 1_000, example: 'a test of the publisher' },
    description: 'why nobody needs this record any more',
  })
  @IsString()
  @Length(1, 1_000)
  @Matches(storable, storableMessage)
  readonly reason!: string;
}
