import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsOptional, IsString, Length } from 'class-validator';

/** The body of a command of people that needs nothing but its reason. */
export class ReasonBody {
  @ApiProperty({
    ...{ type: String, minLength: 1, maxLength: 512, example: 'maintenance at the provider' },
    description: 'kept with who did it and when',
  })
  @IsString()
  @Length(1, 512)
  readonly reason!: string;
}

/** The body of `POST /v1/providers/:id/disable`. */
export class DisableBody extends ReasonBody {
  @ApiPropertyOptional({ type: Boolean, default: false, description: 'only tells what it would mean' })
  @IsOptional()
  @IsBoolean()
  readonly dry_run?: boolean;
}
