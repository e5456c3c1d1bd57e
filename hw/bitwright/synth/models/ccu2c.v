// Two bits of a carry chain. In each, the LUT4 propagates (and is the sum before the carry), and
// its lowest four entries, a function of A and B alone, generate. INJECT1 = "YES" keeps the carry
// out of the sum and generates nothing, so that a chain begins or a plain LUT4 sits in it.
module CCU2C(input CIN, A0, B0, C0, D0, A1, B1, C1, D1, output S0, S1, COUT);
  parameter [15:0] INIT0 = 0;
  parameter [15:0] INIT1 = 0;
  parameter INJECT1_0 = "YES";
  parameter INJECT1_1 = "YES";
  localparam inject0 = INJECT1_0 == "YES";
  localparam inject1 = INJECT1_1 == "YES";
  if (!inject0 && INJECT1_0 != "NO") CCU2C_has_no_model_of_this_INJECT1_0 refused();
  if (!inject1 && INJECT1_1 != "NO") CCU2C_has_no_model_of_this_INJECT1_1 refused();

  wire propagate0 = INIT0[{D0, C0, B0, A0}];
  wire propagate1 = INIT1[{D1, C1, B1, A1}];
  wire generate0 = inject0 ? 1'b0 : INIT0[{2'b00, B0, A0}];
  wire generate1 = inject1 ? 1'b0 : INIT1[{2'b00, B1, A1}];
  wire carry = propagate0 ? CIN : generate0;
  assign S0 = propagate0 ^ (inject0 ? 1'b0 : CIN);
  assign S1 = propagate1 ^ (inject1 ? 1'b0 : carry);
  assign COUT = propagate1 ? carry : generate1;
endmodule
